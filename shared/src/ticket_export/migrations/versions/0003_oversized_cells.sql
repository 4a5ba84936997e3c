-- Cells that are longer than a spreadsheet's, counted with the rows; NULL before.
ALTER TABLE jobs ADD COLUMN oversized_cells bigint;
