-- The bucket that an upload was begun in; NULL in rows from before, which are looked for where the setting points.
ALTER TABLE uploads ADD COLUMN bucket text;
