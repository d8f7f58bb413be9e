CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`name` text NOT NULL,
	`role` text NOT NULL,
	`hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`last_used_at` integer,
	FOREIGN KEY (`tenant`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_hash` ON `api_keys` (`hash`);--> statement-breakpoint
CREATE INDEX `api_keys_of_tenant` ON `api_keys` (`tenant`,`id`);--> statement-breakpoint
CREATE TABLE `audit` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`action` text NOT NULL,
	`target` text NOT NULL,
	`tenant` text,
	`fields` text
);
--> statement-breakpoint
CREATE INDEX `audit_of_tenant` ON `audit` (`tenant`,`id`);--> statement-breakpoint
CREATE TABLE `former_endpoints` (
	`tenant` text NOT NULL,
	`id` text NOT NULL,
	PRIMARY KEY(`tenant`, `id`)
);
--> statement-breakpoint
ALTER TABLE `endpoints` ADD `rate_limit` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `deleted_at` integer;--> statement-breakpoint
ALTER TABLE `tenants` ADD `erased_day` text;--> statement-breakpoint
CREATE INDEX `tenants_by_creation` ON `tenants` (`created_at`,`id`);--> statement-breakpoint
INSERT OR IGNORE INTO `tenants` (`id`, `name`, `created_at`, `updated_at`) VALUES ('operator', 'Operator', unixepoch() * 1000, unixepoch() * 1000);
