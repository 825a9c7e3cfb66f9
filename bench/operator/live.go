package main

import (
	"context"
	"fmt"
	"time"
)

const (
	settled   = 5 * time.Second
	firstTime = 65 * time.Second // of a stream, in which the operator asks oftener
	window    = 60 * time.Second // of idleness; a stream's status is renewed once in it
	briefly   = 20 * time.Second
)

// Healthy objects, and what the operator costs while nothing happens to them.
func (d *driver) live(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	streams, copies := named("s", 0, d.objects), named("c", 0, d.objects)
	following, err := d.enter(ctx, "streams", "Sync", "02")
	if err != nil {
		return err
	}
	defer func() { _ = following.process.stop() }()
	if err := following.live(ctx, streams); err != nil {
		return err
	}
	if polled := d.engines.polled(); polled != d.objects {
		return fmt.Errorf("%d of %d engines were polled", polled, d.objects)
	}
	since := time.Now()
	copying, err := d.enter(ctx, "copies", "Snapshot", "03")
	if err != nil {
		return err
	}
	defer func() { _ = copying.process.stop() }()
	if err := copying.resident(ctx, "", "<= 15 MiB", 0); err != nil {
		return err
	}
	if err := copying.live(ctx, copies); err != nil {
		return err
	}
	if err := copying.resident(ctx, " copied", "<= 30 MiB", d.objects); err != nil {
		return err
	}
	if err := copying.idle(ctx, "copied", "<= 10 millicores", briefly); err != nil {
		return err
	}
	if err := copying.again(ctx, d.objects, " copied"); err != nil {
		return err
	}
	if err := pause(ctx, time.Until(since.Add(firstTime))); err != nil {
		return err
	}
	if err := following.resident(ctx, " following", "<= 30 MiB", d.objects); err != nil {
		return err
	}
	if err := following.idle(ctx, "following", "<= 30 millicores", window); err != nil {
		return err
	}
	if err := following.again(ctx, d.objects, " following"); err != nil {
		return err
	}
	if err := following.process.stop(); err != nil {
		return err
	}
	for tenth := 1; tenth < 10; tenth++ {
		if err := copying.live(ctx, named("c", tenth*d.objects, (tenth+1)*d.objects)); err != nil {
			return err
		}
	}
	if err := copying.resident(ctx, " copied", "<= 90 MiB", 10*d.objects); err != nil {
		return err
	}
	return copying.again(ctx, 10*d.objects, " copied")
}

// An operator with the namespace that it works in.
type scene struct {
	*driver
	space   string
	mode    string // of its Replications
	port    string
	process *process
	cluster *cluster
}

func (d *driver) enter(ctx context.Context, space, mode, port string) (*scene, error) {
	if err := d.space(ctx, space); err != nil {
		return nil, err
	}
	process, err := d.ours(space, port)
	if err != nil {
		return nil, err
	}
	return &scene{d, space, mode, port, process, play(ctx, d.typed, space, &d.pods)}, nil
}

// live: these objects begin and come to be Ready.
func (s *scene) live(ctx context.Context, names []string) error {
	if err := s.secrets(ctx, s.space, names); err != nil {
		return err
	}
	before, err := s.look(ctx, s.space)
	if err != nil {
		return err
	}
	if err := s.replications(ctx, s.space, s.mode, names); err != nil {
		return err
	}
	wanted := before.ready + len(names)
	ready := 0
	for deadline := time.Now().Add(5 * time.Minute); ready < wanted; {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		now, err := s.look(ctx, s.space)
		if err != nil {
			return err
		}
		ready = now.ready
		if err := s.cluster.trouble(); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d objects of %s are Ready after 5 minutes", ready, wanted, s.space)
		}
	}
	return nil
}

func (s *scene) resident(ctx context.Context, state, goal string, objects int) error {
	if err := pause(ctx, settled); err != nil {
		return err
	}
	resident, err := s.process.memory("VmRSS")
	if err != nil {
		return err
	}
	anonymous, err := s.process.memory("RssAnon")
	if err != nil {
		return err
	}
	s.tell(fmt.Sprintf("resident set, %d objects%s", objects, state), goal, "%.1f MiB, of which %.1f anonymous", resident, anonymous)
	return nil
}

func (s *scene) idle(ctx context.Context, state, goal string, span time.Duration) error {
	polls := s.engines.polls.Load() // of the one operator that has streams
	written, _ := s.audit.written(s.space)
	used, err := s.process.millicores(ctx, span)
	if err != nil {
		return err
	}
	after, _ := s.audit.written(s.space)
	polled := 0.0
	if s.mode == "Sync" {
		polled = float64(s.engines.polls.Load()-polls) / span.Seconds()
	}
	s.tell(fmt.Sprintf("CPU at rest, %d objects %s", s.objects, state), goal, "%.1f millicores over %v, %.1f polls/s, %.1f writes/s",
		used, span, polled, float64(after-written)/span.Seconds())
	return nil
}

// again: the operator is started anew and has looked at each object; what it wrote then, and what it holds.
func (s *scene) again(ctx context.Context, objects int, state string) error {
	if err := s.process.stop(); err != nil {
		return err
	}
	before, err := s.look(ctx, s.space)
	if err != nil {
		return err
	}
	began := time.Now()
	written, _ := s.audit.written(s.space)
	if s.process, err = s.ours(s.space, s.port); err != nil {
		return err
	}
	passed := func() bool {
		passes, err := s.process.sum("controller_runtime_reconcile_total")
		return err == nil && passes >= float64(objects)
	}
	if err := await(ctx, 2*time.Minute, "a pass of each object after a restart", passed); err != nil {
		return err
	}
	took := time.Since(began)
	if err := pause(ctx, settled); err != nil {
		return err
	}
	after, kinds := s.audit.written(s.space)
	now, err := s.look(ctx, s.space)
	if err != nil {
		return err
	}
	renewed, changed := now.against(before)
	s.tell(fmt.Sprintf("restart, %d objects%s: writes", objects, state), "0",
		"%d, of which %d only renew status.sync (once a minute); each object looked at within %.1f s",
		after-written, min(after-written, renewed-changed), took.Seconds())
	if changed > 0 || after-written > renewed {
		return fmt.Errorf("a restart wrote %d times and changed %d objects of %s: %v in all", after-written, changed, s.space, kinds)
	}
	return s.resident(ctx, state+", after a restart", "", objects)
}
