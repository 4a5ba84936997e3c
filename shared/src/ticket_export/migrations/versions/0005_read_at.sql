-- With snapshot_mode 'statement': the instant that the file shows, known once its rows are read. NULL otherwise.
ALTER TABLE jobs ADD COLUMN read_at timestamptz;
