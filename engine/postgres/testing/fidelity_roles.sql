-- Roles that the fidelity database speaks of. They belong to the server and stay when the database goes.
DO $roles$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['fidelity_owner', 'fidelity_reader', 'Fidelity "Mixed" role', 'fidelity_writer'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I', wanted);
    END IF;
  END LOOP;
END
$roles$;
