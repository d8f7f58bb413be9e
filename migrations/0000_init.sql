CREATE TABLE `dead_letters` (
	`queue` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL,
	`last_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `endpoints` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`uid` text,
	`name` text,
	`url` text NOT NULL,
	`description` text,
	`events` text NOT NULL,
	`profile` text NOT NULL,
	`metadata` text NOT NULL,
	`retry` text,
	`timeout` integer,
	`disable_after` integer NOT NULL,
	`secret` text NOT NULL,
	`version` integer NOT NULL,
	`enabled` integer NOT NULL,
	`disabled_reason` text,
	`disabled_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	FOREIGN KEY (`tenant`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `endpoints_of_tenant` ON `endpoints` (`tenant`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `endpoints_uid` ON `endpoints` (`tenant`,`uid`) WHERE "endpoints"."uid" IS NOT NULL AND deleted_at IS NULL;--> statement-breakpoint
CREATE TABLE `tenants` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
