-- Whose a check is; NULL for those of clients that did not say who they are.

ALTER TABLE checks ADD COLUMN account BLOB;

CREATE INDEX checks_by_account ON checks (account);
