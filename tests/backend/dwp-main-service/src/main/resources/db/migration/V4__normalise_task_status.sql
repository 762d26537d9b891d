-- Data only: the first clients wrote lower case.
UPDATE agent_tasks SET status = upper(status) WHERE status <> upper(status);
