CREATE TABLE `recoveries` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`endpoint` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `recoveries_of_tenant` ON `recoveries` (`tenant`,`id`);