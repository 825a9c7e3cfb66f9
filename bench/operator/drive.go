package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// What everything is driven with.
type driver struct {
	kubeconfig string
	program    string // tributary-operator
	results    string // a directory: logs, and rows of the race for bench/statistics.sh
	rounds     int
	objects    int // of one burst; ten times as many at the end
	typed      kubernetes.Interface
	dynamic    dynamic.Interface
	audit      *audit
	engines    *engines
	pods       atomic.Int64
	table      []row
}

type row struct{ what, seen, goal string }

func (d *driver) tell(what, goal, format string, values ...any) {
	d.table = append(d.table, row{what, fmt.Sprintf(format, values...), goal})
	fmt.Fprintf(os.Stderr, "%s: %s\n", what, fmt.Sprintf(format, values...))
}

func drive(ctx context.Context, arguments []string) error {
	d := &driver{}
	flags := flag.NewFlagSet("drive", flag.ExitOnError)
	flags.StringVar(&d.kubeconfig, "kubeconfig", "", "of the API server")
	flags.StringVar(&d.program, "operator", "", "tributary-operator")
	flags.StringVar(&d.results, "results", "", "directory for rows and logs")
	flags.IntVar(&d.rounds, "rounds", 3, "rounds of the race that count")
	flags.IntVar(&d.objects, "objects", 1000, "objects of a burst")
	log := flags.String("audit", "", "audit log of the API server")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", d.kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	config.UserAgent = driverAgent
	if d.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	binary := rest.CopyConfig(config)
	binary.ContentType = "application/vnd.kubernetes.protobuf"
	if d.typed, err = kubernetes.NewForConfig(binary); err != nil {
		return err
	}
	if d.audit, err = follow(ctx, *log); err != nil {
		return err
	}
	if d.engines, err = serveEngines(); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{d.race, d.live} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	fmt.Printf("\n| tributary-operator | seen | goal |\n|---|---|---|\n")
	for _, each := range d.table {
		fmt.Printf("| %s | %s | %s |\n", each.what, each.seen, each.goal)
	}
	return nil
}

func (d *driver) ours(space, port string) (*process, error) {
	metrics := "127.0.0.1:91" + port
	return start(filepath.Join(d.results, "tributary.log"), metrics, d.program, "--kubeconfig", d.kubeconfig, "--namespaces", space,
		"--image", "tributary:bench", "--metrics-address", metrics, "--health-address", "127.0.0.1:92"+port, "--log-level", "warn")
}

func (d *driver) theirs(space, port string) (*process, error) {
	metrics := "127.0.0.1:91" + port
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(filepath.Join(d.results, "rival.log"), metrics, self, "rival", "--kubeconfig", d.kubeconfig, "--namespace", space,
		"--metrics-address", metrics)
}
