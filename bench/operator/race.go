package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const singles = 100 // objects that are created alone, for p50 and p99

var racers = []struct {
	name  string
	start func(*driver, string, string) (*process, error)
}{{"tributary", (*driver).ours}, {"controller-runtime", (*driver).theirs}}

// In each round both carry out the same objects, one after the other, in an order that is drawn. Round 0 warms up and does
// not count.
func (d *driver) race(ctx context.Context) error {
	var latencies []time.Duration
	var bursts []float64
	for round := range d.rounds + 1 {
		for _, place := range rand.Perm(len(racers)) {
			racer := racers[place]
			space := fmt.Sprintf("race-%d-%d", round, place)
			alone, burst, err := d.run(ctx, racer.name, round, space, racer.start)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", racer.name, round, err)
			}
			if place == 0 && round > 0 {
				latencies = append(latencies, alone...)
				bursts = append(bursts, burst)
			}
		}
	}
	slices.Sort(latencies)
	slices.Sort(bursts)
	d.tell("create to POST of the Job, alone, p50", "<= 20 ms", "%.1f ms", milliseconds(percentile(latencies, 50)))
	d.tell("create to POST of the Job, alone, p99", "<= 75 ms", "%.1f ms", milliseconds(percentile(latencies, 99)))
	d.tell(fmt.Sprintf("burst of %d to all children created and status written", d.objects), "<= 10 s for 1,000",
		"%.1f s (median of %d)", bursts[len(bursts)/2], len(bursts))
	return nil
}

func (d *driver) run(ctx context.Context, name string, round int, space string,
	begin func(*driver, string, string) (*process, error)) (alone []time.Duration, seconds float64, err error) {
	one, all := named("a", 0, singles+1), named("b", 0, d.objects)
	if err := d.space(ctx, space); err != nil {
		return nil, 0, err
	}
	if err := d.secrets(ctx, space, append(slices.Clone(one), all...)); err != nil {
		return nil, 0, err
	}
	operator, err := begin(d, space, "01")
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if stopped := operator.stop(); err == nil {
			err = stopped
		}
	}()
	if alone, err = d.latencies(ctx, space, one); err != nil {
		return nil, 0, err
	}
	before, err := operator.cpu()
	if err != nil {
		return nil, 0, err
	}
	if seconds, err = d.burst(ctx, space, all); err != nil {
		return nil, 0, err
	}
	after, err := operator.cpu()
	if err != nil {
		return nil, 0, err
	}
	resident, err := operator.memory("VmRSS")
	if err != nil || round == 0 {
		return alone, seconds, err
	}
	for file, value := range map[string]float64{"p50": milliseconds(percentile(alone, 50)), "p99": milliseconds(percentile(alone, 99)),
		"burst": seconds, "cpu": (after - before).Seconds(), "resident": resident} {
		if err := d.record(file, round, name, value); err != nil {
			return nil, 0, err
		}
	}
	return alone, seconds, nil
}

// The first one waits for the start of the operator and does not count.
func (d *driver) latencies(ctx context.Context, space string, names []string) ([]time.Duration, error) {
	var spans []time.Duration
	for _, name := range names {
		if err := d.replications(ctx, space, "Snapshot", []string{name}); err != nil {
			return nil, err
		}
		through := func() bool { return d.audit.through(space, []string{name}) }
		if err := await(ctx, 30*time.Second, "Job and status of "+name, through); err != nil {
			return nil, err
		}
		seen, _ := d.audit.life(space, name)
		spans = append(spans, seen.job.Sub(seen.created))
	}
	spans = spans[1:]
	slices.Sort(spans)
	return spans, nil
}

func (d *driver) burst(ctx context.Context, space string, names []string) (float64, error) {
	if err := d.replications(ctx, space, "Snapshot", names); err != nil {
		return 0, err
	}
	through := func() bool { return d.audit.through(space, names) }
	if err := await(ctx, 2*time.Minute, "Jobs and status of all objects", through); err != nil {
		return 0, err
	}
	var first, last time.Time
	for _, name := range names {
		seen, _ := d.audit.life(space, name)
		if first.IsZero() || seen.created.Before(first) {
			first = seen.created
		}
		if seen.status.After(last) {
			last = seen.status
		}
	}
	return last.Sub(first).Seconds(), nil
}

func (d *driver) record(file string, round int, racer string, value float64) error {
	out, err := os.OpenFile(filepath.Join(d.results, file), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	line := fmt.Sprintf("%d %s %.2f\n", round, racer, value)
	fmt.Fprintf(os.Stderr, "%s: %s", file, line)
	_, err = out.WriteString(line)
	return err
}

func milliseconds(span time.Duration) float64 { return float64(span.Microseconds()) / 1000 }

// Of sorted spans.
func percentile(spans []time.Duration, percent int) time.Duration {
	return spans[min(len(spans)-1, len(spans)*percent/100)]
}
