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

-- Stacks as text: folded is root;...;leaf, caller the function that called the leaf.
CREATE VIEW temp.stack_text AS
SELECT id AS stack_id,
	stack_folded(id) AS folded,
	stack_leaf(id) AS leaf,
	stack_caller(id) AS caller,
	stack_caller_path(id) AS caller_path,
	stack_depth(id) AS depth
FROM stack;
