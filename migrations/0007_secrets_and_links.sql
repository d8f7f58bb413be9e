CREATE TABLE `ended_sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `ended_sessions_by_end` ON `ended_sessions` (`expires_at`);--> statement-breakpoint
ALTER TABLE `endpoints` ADD `later_secrets` text;--> statement-breakpoint
ALTER TABLE `portal_links` ADD `made_by` text;--> statement-breakpoint
ALTER TABLE `portal_links` ADD `read_only` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `portal_links` ADD `path` text;--> statement-breakpoint
ALTER TABLE `portal_links` ADD `ended_at` integer;--> statement-breakpoint
CREATE INDEX `endpoints_later_secrets_key` ON `endpoints` (iif(instr(replace(later_secrets, ':"v1.' || substr(later_secrets, nullif(instr(later_secrets, ':"v1.'), 0) + 5, 8), ''), ':"v1.') > 0, 'several', substr(later_secrets, nullif(instr(later_secrets, ':"v1.'), 0) + 5, 8)), `id`) WHERE later_secrets IS NOT NULL;
