"""What was learnt: verdicts, the ledger of records, and the reports made of it."""
