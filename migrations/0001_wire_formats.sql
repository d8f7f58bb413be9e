CREATE TABLE `automations` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`name` text NOT NULL,
	`trigger` text NOT NULL,
	`segment` text,
	`actions` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `automations_of_tenant` ON `automations` (`tenant`,`id`);--> statement-breakpoint
CREATE TABLE `event_types` (
	`name` text PRIMARY KEY NOT NULL,
	`title` text,
	`description` text,
	`schema` text,
	`enforce` integer NOT NULL,
	`sample` text,
	`group_name` text,
	`high_volume` integer NOT NULL,
	`deprecated` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `segments` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`name` text NOT NULL,
	`filter` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`tenant`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `segments_of_tenant` ON `segments` (`tenant`,`id`);--> statement-breakpoint
ALTER TABLE `endpoints` ADD `format` text;--> statement-breakpoint
ALTER TABLE `endpoints` ADD `signature` text;--> statement-breakpoint
ALTER TABLE `endpoints` ADD `method` text;--> statement-breakpoint
ALTER TABLE `endpoints` ADD `headers` text;--> statement-breakpoint
ALTER TABLE `endpoints` ADD `filter` text;--> statement-breakpoint
ALTER TABLE `endpoints` ADD `next_secret` text;--> statement-breakpoint
ALTER TABLE `endpoints` ADD `next_from` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `callback_secret` text;