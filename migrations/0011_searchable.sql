ALTER TABLE `event_types` ADD `searchable` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
CREATE INDEX `audit_of_target` ON `audit` (`tenant`,`target`,`id`);