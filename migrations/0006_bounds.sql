ALTER TABLE `former_endpoints` ADD `removed_at` integer;--> statement-breakpoint
CREATE INDEX `former_endpoints_by_age` ON `former_endpoints` (`removed_at`);--> statement-breakpoint
CREATE INDEX `endpoints_host` ON `endpoints` (iif(instr(url, '://') IN (5, 6) AND instr(':/?#', substr(ltrim(substr(url, instr(url, '://') + 3), 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.') || '/', 1, 1)) > 0, nullif(lower(rtrim(substr(substr(url, instr(url, '://') + 3), 1, length(substr(url, instr(url, '://') + 3)) - length(ltrim(substr(url, instr(url, '://') + 3), 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.'))), '.')), ''), NULL));--> statement-breakpoint
CREATE INDEX `endpoints_secret_key` ON `endpoints` (substr(secret, 4, 8), `id`) WHERE secret <> '';--> statement-breakpoint
CREATE INDEX `endpoints_next_secret_key` ON `endpoints` (substr(next_secret, 4, 8), `id`) WHERE next_secret IS NOT NULL;--> statement-breakpoint
CREATE INDEX `endpoints_headers_key` ON `endpoints` (iif(instr(replace(headers, ':"v1.' || substr(headers, nullif(instr(headers, ':"v1.'), 0) + 5, 8), ''), ':"v1.') > 0, 'several', substr(headers, nullif(instr(headers, ':"v1.'), 0) + 5, 8)), `id`) WHERE headers IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tenants_callback_secret_key` ON `tenants` (substr(callback_secret, 4, 8), `id`) WHERE callback_secret IS NOT NULL;
