#!/bin/sh
# Prints a C file with the texts of the files named: embed.sh TABLE FILE...
# const struct { const char *name, *text; } TABLE[], ended by a NULL name.
set -eu
table=$1
shift
echo "const struct { const char *name, *text; } $table[] = {"
for file; do
	printf '{"%s",\n' "$(basename "$file" .sql)"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' "$file"
	echo '},'
done
echo '{0, 0}};'
