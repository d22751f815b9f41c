-- Rises with everything that ends an account's sessions as a whole: a log-in that began before begins no session after.

ALTER TABLE accounts ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
