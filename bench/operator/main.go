// What `./dev bench operator` is made of: `drive` creates Replications on a real API server, plays what a cluster does
// to their Jobs, Deployments and pods, and measures whoever carries them out; `rival` is a minimal operator on
// controller-runtime.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var err error
	switch os.Args[1] {
	case "drive":
		err = drive(ctx, os.Args[2:])
	case "rival":
		err = rival(ctx, os.Args[2:])
	default:
		usage()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench operator: %v\n", err)
		os.Exit(1)
	}
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: bench-operator drive|rival [flags]")
	os.Exit(2)
}
