#!/bin/sh
# Stacks and names though the program's file is not what its path says: deleted or replaced before it is recorded or
# while it is, or on an overlay, where stat(2) and the kernel call it something else.
set -eu
. tests/live/common.sh
need heap fault task
pid=
cleanup() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || :; }

count=32
source=$O/tests/stacks
chain='_start;%main;file_caller;file_frame;file'
build_id=$(readelf -n "$source/file" | awk '/Build ID/ { print $3 }')

# check TRACE: every event of the place has its whole stack, in the program as it was
check() {
	equal 'page faults with their whole stacks' "$(query "$1" "SELECT sum(folded LIKE '${chain}_fault'), count(*)
		FROM fault JOIN stack_text USING (stack_id) WHERE folded LIKE '%;file_fault'")" "$count,$count"
	equal 'allocations with theirs' "$(query "$1" "SELECT sum(folded LIKE '${chain}_malloc;malloc'), count(*)
		FROM heap JOIN stack_text USING (stack_id) WHERE op = 1 AND folded LIKE '%;file_malloc;malloc'")" "$count,$count"
	equal 'build id of the program' "$(query "$1" "SELECT DISTINCT build_id FROM image JOIN frame ON image_id = image.id
		JOIN symbol USING (image_id) WHERE symbol = 'file_frame'")" "$build_id"
}

begin() { # NAME: the program runs, from a folder of its own; its file is $file
	name=$1
	folder=$dir/$name
	file=$folder/program
	mkdir "$folder"
	cp "$source/file" "$file"
	cp -r "$source/lib" "$folder/lib"
	"$file" $count > "$folder/ready" &
	pid=$!
	until grep -q ready "$folder/ready"; do sleep 0.1; done
}

record_it() {
	"$record" -p "$pid" -o "$dir/$name.mtape" &
	recorder=$!
	until [ -s "$dir/$name.mtape" ]; do sleep 0.1; done
}

end() {
	kill -USR1 "$pid"
	wait "$pid"
	pid=
	wait "$recorder"
	echo "== $name"
	check "$dir/$name.mtape"
}

replace() { # by a program that has other code at each place
	cp "$source/torture" "$file.new"
	mv "$file.new" "$file"
}

begin deleted
rm -r "$file" "$folder/lib"
record_it
end

begin deleted-meanwhile
record_it
rm -r "$file" "$folder/lib"
end

begin replaced
replace
record_it
end

begin replaced-meanwhile
record_it
replace
end

# In a mount namespace of its own, as a container is, so that nothing is left mounted; with a C library of its own.
name=overlay
folder=$dir/$name
mkdir "$folder" "$folder/lower" "$folder/upper" "$folder/work" "$folder/merged"
cp "$source/file" "$folder/lower/program"
cp -r "$source/lib" "$folder/lower/lib"
cp "$(ldd "$source/file" | awk '$1 == "libc.so.6" { print $3 }')" "$folder/lower/lib/"
cat > "$folder/run" <<-END
	mount -t overlay overlay -o lowerdir=$folder/lower,upperdir=$folder/upper,workdir=$folder/work $folder/merged || exit 77
	exec $folder/merged/program $count
END
unshare -m sh -e "$folder/run" > "$folder/ready" 2> "$folder/error" &
pid=$!
until grep -q ready "$folder/ready" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
if ! kill -0 "$pid" 2>/dev/null; then
	pid=
	echo "== overlay left out: $(cat "$folder/error")"
	exit 0
fi
grep -q "$folder/merged/lib/libc.so.6" "/proc/$pid/maps" || fail "the overlay's C library is not used"
record_it
end
