"""`stack demo`: one export of tickets that change meanwhile, and the proof that none of the changes got into it."""
