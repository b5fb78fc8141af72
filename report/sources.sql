-- How each kind of data was obtained, or why not.
--
-- The ways stand in the order in which they were tried.

SELECT source, way, state, why_text AS why
FROM source
ORDER BY session, rowid;
