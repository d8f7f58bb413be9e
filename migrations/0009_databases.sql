CREATE TABLE `tenant_databases` (
	`tenant` text PRIMARY KEY NOT NULL,
	`database` integer NOT NULL
);
