// SPDX-License-Identifier: MIT

// A producer on Faktory's own Go client: what the bench compares our pushing with.
//
//	producer JOBS BATCH CONNECTIONS
//
// BATCH 1 sends PUSH, more sends PUSHB. Prints one line: jobs, refused and seconds from the first
// command to the last answer.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	faktory "github.com/contribsys/faktory/client"
)

func makeJob(n int64) *faktory.Job {
	job := faktory.NewJob("math_add", map[string]interface{}{"a": n, "b": 2, "request_id": nil})
	job.ReserveFor = 600
	return job
}

// Takes ranges of jobs until none is left.
func produce(cl *faktory.Client, next, refused *atomic.Int64, jobs, batch int64) error {
	for {
		end := next.Add(batch)
		from := end - batch
		if from >= jobs {
			return nil
		}
		end = min(end, jobs)
		if batch == 1 {
			if err := cl.Push(makeJob(from)); err != nil {
				return err
			}
			continue
		}
		list := make([]*faktory.Job, 0, end-from)
		for n := from; n < end; n++ {
			list = append(list, makeJob(n))
		}
		errors, err := cl.PushBulk(list)
		if err != nil {
			return err
		}
		refused.Add(int64(len(errors)))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	var number [3]int64
	for i := range number {
		if len(os.Args) == 4 {
			number[i], _ = strconv.ParseInt(os.Args[i+1], 10, 64)
		}
		if number[i] < 1 {
			fmt.Fprintln(os.Stderr, "usage: producer JOBS BATCH CONNECTIONS")
			os.Exit(2)
		}
	}
	var next, refused atomic.Int64
	var all sync.WaitGroup
	clients := make([]*faktory.Client, number[2])
	for i := range clients {
		cl, err := faktory.Open()
		check(err)
		clients[i] = cl
	}
	start := time.Now()
	for _, cl := range clients {
		all.Go(func() { check(produce(cl, &next, &refused, number[0], number[1])) })
	}
	all.Wait()
	fmt.Printf("jobs=%d refused=%d seconds=%.6f\n", number[0], refused.Load(), time.Since(start).Seconds())
}
