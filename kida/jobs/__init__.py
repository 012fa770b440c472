"""One way to run many solves: a job goes in as plain data, a record file comes out."""
