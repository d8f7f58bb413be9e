CREATE TABLE `endpoint_figures` (
	`tenant` text NOT NULL,
	`endpoint` text NOT NULL,
	`from` integer NOT NULL,
	`until` integer NOT NULL,
	`hours` text NOT NULL,
	`days` text NOT NULL,
	PRIMARY KEY(`tenant`, `endpoint`, `from`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `endpoint_summaries` (
	`endpoint` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`at` integer NOT NULL,
	`state` text NOT NULL,
	`failing_since` integer,
	`failed_share` real,
	`waiting` integer NOT NULL,
	`oldest_waiting_at` integer,
	`held` integer NOT NULL,
	`last_success_at` integer,
	`last_failure` text,
	`accepted` integer NOT NULL,
	`succeeded` integer NOT NULL,
	`failed` integer NOT NULL,
	`figures_from` integer NOT NULL,
	`figures` text NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `endpoint_summaries_troubled` ON `endpoint_summaries` (`tenant`) WHERE state = 'failing' OR waiting > 0 OR held > 0;