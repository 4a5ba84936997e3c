-- Cluster, timeline and epoch of the source when the snapshot was taken: elsewhere its transaction ids mean nothing.
-- Empty for a job that reads live rows.
ALTER TABLE jobs ADD COLUMN source_identity text NOT NULL DEFAULT '';
