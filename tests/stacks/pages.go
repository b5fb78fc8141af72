// Touches pages for the first time, from main and from a goroutine.
package main

import "syscall"

const pages = 32

//go:noinline
func inner(memory []byte, at int) int {
	memory[at] = 1
	return at
}

//go:noinline
func middle(memory []byte, at int) int {
	return inner(memory, at) + 1
}

//go:noinline
func outer() int {
	memory, err := syscall.Mmap(-1, 0, 4096*pages, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		panic(err)
	}
	sum := 0
	for i := 0; i < pages; i++ {
		sum += middle(memory, i*4096)
	}
	return sum
}

func main() {
	done := make(chan int)
	outer()
	go func() {
		done <- outer()
	}()
	<-done
}
