-- One more column for the menu, nullable, so that older releases go on working.
ALTER TABLE sys_menus ADD COLUMN new_column VARCHAR(100);

-- Rollback:
-- ALTER TABLE sys_menus DROP COLUMN new_column;
