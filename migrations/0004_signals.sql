CREATE TABLE `list_items` (
	`list` text NOT NULL,
	`item` text NOT NULL,
	PRIMARY KEY(`list`, `item`)
);
--> statement-breakpoint
CREATE TABLE `lists` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`name` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `lists_name` ON `lists` (`tenant`,`name`);--> statement-breakpoint
CREATE INDEX `lists_of_tenant` ON `lists` (`tenant`,`id`);--> statement-breakpoint
CREATE TABLE `signals` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`name` text NOT NULL,
	`emit` text NOT NULL,
	`entity` text NOT NULL,
	`filter` text,
	`condition` text NOT NULL,
	`attach` text,
	`catalog` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `signals_of_tenant` ON `signals` (`tenant`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `signals_catalog` ON `signals` (`tenant`,`catalog`) WHERE "signals"."catalog" IS NOT NULL;