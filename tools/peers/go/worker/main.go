// SPDX-License-Identifier: MIT

// A worker on faktory_worker_go, as its README says to write one: what the bench compares ours with.
//
//	worker SLOTS
//
// It runs until SIGTERM; FAKTORY_URL says where Faktory is.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"

	worker "github.com/contribsys/faktory_worker_go"
)

// Results go somewhere, so that the work is not optimised away.
var sum atomic.Int64

func number(args []interface{}, name string) int64 {
	first, _ := args[0].(map[string]interface{})
	n, _ := first[name].(float64)
	return int64(n)
}

func handler(op func(a, b int64) (int64, error)) worker.Perform {
	return func(_ context.Context, args ...interface{}) error {
		if len(args) != 1 {
			return fmt.Errorf("one argument expected, not %d", len(args))
		}
		n, err := op(number(args, "a"), number(args, "b"))
		sum.Add(n)
		return err
	}
}

func divide(a, b int64) (int64, error) {
	if b == 0 {
		return 0, fmt.Errorf("division by zero")
	}
	return a / b, nil
}

func main() {
	slots := 20
	if len(os.Args) == 2 {
		slots, _ = strconv.Atoi(os.Args[1])
	}
	if len(os.Args) > 2 || slots < 1 {
		fmt.Fprintln(os.Stderr, "usage: worker [SLOTS]")
		os.Exit(2)
	}
	mgr := worker.NewManager()
	mgr.Concurrency = slots
	mgr.Register("math_add", handler(func(a, b int64) (int64, error) { return a + b, nil }))
	mgr.Register("math_subtract", handler(func(a, b int64) (int64, error) { return a - b, nil }))
	mgr.Register("math_multiply", handler(func(a, b int64) (int64, error) { return a * b, nil }))
	mgr.Register("math_divide", handler(divide))
	mgr.ProcessStrictPriorityQueues("default")
	if err := mgr.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
