-- Counts an account's last log-ins without reading all of its month.

CREATE INDEX guard_refresh_families_by_log_in ON guard_refresh_families (account, began_at);
