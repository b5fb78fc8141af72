-- What stands beside the tables of a trace. A database that memtape made holds these as real tables
-- of the same names; then only what it lacks is made.

-- Page faults per second. Only the key columns that a statement uses are told apart.
CREATE VIRTUAL TABLE temp.fault_sum
USING rollup(fault, by process_id stack_id kind access user, every 1 s);

-- What each stack allocated and still holds. from_ns and to_ns, hidden columns, are a window: what
-- was allocated in it, and freed by its end. Real tables have no such columns and hold the whole
-- recording.
CREATE VIRTUAL TABLE temp.heap_site USING heap_site;

-- Every allocation with its end. free_ns is NULL for what is held. Where only free_tid is NULL the
-- free was not seen: at free_ns another allocation got the address.
CREATE VIRTUAL TABLE temp.heap_life USING heap_life;

-- What did not pair, by stack.
CREATE VIRTUAL TABLE temp.heap_note USING heap_note;

-- Stacks as text: folded is root;...;leaf, places where each of its functions is in the source, as
-- far as that is known; caller the function that called the leaf. Frames of the kernel end in _[k].
-- What a process did and the kernel in it are two stacks: stack_join(user.folded, kernel.folded) and
-- places_join(user.places, kernel.folded) make one of them, the kernel's frames innermost.
CREATE VIEW temp.stack_text AS
SELECT id AS stack_id,
	stack_folded(id) AS folded,
	stack_places(id) AS places,
	stack_leaf(id) AS leaf,
	stack_caller(id) AS caller,
	stack_caller_path(id) AS caller_path,
	stack_depth(id) AS depth
FROM stack;

-- How many of the places in an image have no name. image_id is NULL for what is in no image.
CREATE VIEW temp.image_names AS
SELECT
	f.image_id,
	i.build_id,
	i.path,
	count(*) AS frames,
	count(*) - sum(s.symbol IS NOT NULL OR EXISTS (
		SELECT 1
		FROM line AS l
		WHERE l.image_id = f.image_id
		AND l.offset = f.offset
		AND l.symbol IS NOT NULL
	)) AS nameless
FROM frame AS f
LEFT JOIN image AS i ON i.id = f.image_id
LEFT JOIN symbol AS s ON s.image_id = f.image_id AND s.offset = f.offset
GROUP BY f.image_id;
