# awk -f chains.awk LIST EVENTS: whether the stacks in EVENTS are what LIST (torture list) says of them.
# EVENTS: a line each, kind, number, stack (outermost function first, semicolons between), separated by tabs.
# Prints a line for each line of LIST; exit status 1 if any is wrong.
BEGIN { FS = OFS = "\t" }

# Innermost first, a semicolon behind each, name*N for three and more of the same
function turned(stack,    names, n, i, same, text) {
	n = split(stack, names, ";")
	for (i = n; i > 0; i -= same) {
		same = 1
		while (i > same && names[i - same] == names[i])
			same++
		if (same > 2)
			text = text names[i] "*" same ";"
		else
			text = text (same == 2 ? names[i] ";" : "") names[i] ";"
	}
	return text
}

function pattern(chain,    names, n, i, text) {
	n = split(chain, names, ";")
	for (i = 1; i <= n; i++) {
		if (names[i] == "*")
			text = text "([^;]*;)*"
		else if (names[i] == "?")
			text = text "[^;]*;"
		else {
			gsub(/[][*]/, "[&]", names[i])
			text = text names[i] ";"
		}
	}
	return "^" text "$"
}

# The functions by which a stack is known to be this one's: what makes the events
function leaf(chain,    names) {
	split(chain, names, ";")
	return names[1] ";" (names[1] == "malloc" ? names[2] ";" : "")
}

NR == FNR {
	n_wanted++
	name[n_wanted] = $1
	kind[n_wanted] = $2
	least[n_wanted] = $3
	chain[n_wanted] = $4
	by_leaf[$2, leaf($4)] = n_wanted
	next
}

{
	stack = turned($3)
	split(stack, names, ";")
	i = by_leaf[$1, names[1] ";" (names[1] == "malloc" ? names[2] ";" : "")]
	if (!i)
		next
	if (stack ~ pattern(chain[i])) {
		good[i] += $2
	} else {
		bad[i] += $2
		example[i] = stack
	}
}

END {
	for (i = 1; i <= n_wanted; i++) {
		if (good[i] >= least[i] && !bad[i]) {
			print "ok", name[i], kind[i], good[i] + 0
			continue
		}
		print "WRONG", name[i], kind[i], (good[i] + 0) " right of " least[i] ", " (bad[i] + 0) " others"
		print "	wanted " chain[i]
		if (example[i])
			print "	got    " substr(example[i], 1, 400)
		wrong++
	}
	print n_wanted - wrong " of " n_wanted " right"
	exit wrong > 0
}
