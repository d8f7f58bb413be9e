CREATE TABLE `portal_links` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`opened_at` integer,
	FOREIGN KEY (`tenant`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `portal_links_hash` ON `portal_links` (`hash`);--> statement-breakpoint
CREATE INDEX `portal_links_of_tenant` ON `portal_links` (`tenant`,`expires_at`);