package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const clockTicks = 100 // USER_HZ of Linux, everywhere

// An operator under measurement.
type process struct {
	command *exec.Cmd
	metrics string
	ended   chan struct{}
}

func start(log string, metrics string, program string, arguments ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, metrics: metrics, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = command.Wait()
	}()
	return p, nil
}

// stop asks it to end and insists after 40 s.
func (p *process) stop() error {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(40 * time.Second):
		_ = p.command.Process.Kill()
		<-p.ended
		return errors.New("an operator did not end within 40 s of SIGTERM")
	}
}

// In MiB, as proc(5) names it: VmRSS, of which RssAnon is no file that others map too.
func (p *process) memory(what string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == what+":" {
			kilobytes, err := strconv.ParseFloat(fields[1], 64)
			return kilobytes / 1024, err
		}
	}
	return 0, errors.New("an operator has ended: see its log")
}

func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / clockTicks, err
}

// millicores of one core over the span.
func (p *process) millicores(ctx context.Context, span time.Duration) (float64, error) {
	before, err := p.cpu()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := pause(ctx, span); err != nil {
		return 0, err
	}
	after, err := p.cpu()
	return 1000 * (after - before).Seconds() / time.Since(began).Seconds(), err
}

// sum of all series of a metric.
func (p *process) sum(metric string) (float64, error) {
	answer, err := http.Get("http://" + p.metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	total := 0.0
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, _, _ := strings.Cut(lines.Text(), "{")
		fields := strings.Fields(lines.Text())
		if name != metric || len(fields) < 2 {
			continue
		}
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			return 0, err
		}
		total += value
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return total, lines.Err()
}

func pause(ctx context.Context, span time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(span):
		return nil
	}
}

// await asks until it is so, and fails after the limit.
func await(ctx context.Context, limit time.Duration, what string, so func() bool) error {
	for deadline := time.Now().Add(limit); !so(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %v", what, limit)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
