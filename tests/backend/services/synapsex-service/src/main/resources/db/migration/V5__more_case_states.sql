-- A value of an enum type cannot be taken away again: no rollback.
ALTER TYPE dwp_aura.case_status ADD VALUE IF NOT EXISTS 'ESCALATED' BEFORE 'CLOSED';
