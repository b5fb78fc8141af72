/* The version of memtape, in traces, databases and --version. */
#ifndef FORMAT_VERSION_H
#define FORMAT_VERSION_H

#define MEMTAPE_VERSION "0.1"

#endif
