package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const driverAgent = "bench-driver"

// What the API server's audit log says of one write.
type entry struct {
	Verb      string    `json:"verb"`
	UserAgent string    `json:"userAgent"`
	Received  time.Time `json:"requestReceivedTimestamp"`
	Answered  time.Time `json:"stageTimestamp"`
	Object    struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	Answer struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// When the API server was asked for a Replication, for its Job, and when it had taken its first status.
type life struct {
	created, job, status time.Time
}

// The audit log as it grows: the one clock and the one witness for every program alike.
type audit struct {
	mutex  sync.Mutex
	lives  map[string]map[string]*life // by namespace and Replication
	writes map[string]map[string]int   // by namespace and kind of write, of everybody but the driver
}

func follow(ctx context.Context, path string) (*audit, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	log := &audit{lives: map[string]map[string]*life{}, writes: map[string]map[string]int{}}
	go func() {
		defer file.Close()
		in := bufio.NewReaderSize(file, 1<<20)
		var line []byte
		for ctx.Err() == nil {
			part, err := in.ReadBytes('\n')
			line = append(line, part...)
			if errors.Is(err, io.EOF) {
				time.Sleep(5 * time.Millisecond)
				continue
			}
			if err != nil {
				fmt.Fprintf(os.Stderr, "bench operator: the audit log: %v\n", err)
				return
			}
			var one entry
			if json.Unmarshal(line, &one) == nil {
				log.note(one)
			}
			line = line[:0]
		}
	}()
	return log, nil
}

// Children are named after their Replication, whose own name here has no dash.
func (a *audit) note(one entry) {
	if one.Object.Namespace == "" || one.Answer.Code >= 300 {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	space := one.Object.Namespace
	name, _, _ := strings.Cut(one.Object.Name, "-")
	mine := strings.HasPrefix(one.UserAgent, driverAgent)
	if !mine {
		kind := one.Verb + " " + one.Object.Resource
		if one.Object.Subresource != "" {
			kind += "/" + one.Object.Subresource
		}
		if a.writes[space] == nil {
			a.writes[space] = map[string]int{}
		}
		a.writes[space][kind]++
	}
	if one.Object.Resource != "replications" && one.Object.Resource != "jobs" {
		return
	}
	if a.lives[space] == nil {
		a.lives[space] = map[string]*life{}
	}
	lives := a.lives[space]
	if lives[name] == nil {
		lives[name] = &life{}
	}
	switch {
	case mine && one.Verb == "create" && one.Object.Resource == "replications":
		lives[name].created = one.Received
	case !mine && one.Verb == "create" && one.Object.Resource == "jobs" && lives[name].job.IsZero():
		lives[name].job = one.Received
	case !mine && one.Object.Resource == "replications" && one.Object.Subresource == "status" && lives[name].status.IsZero():
		lives[name].status = one.Answered
	}
}

// A copy; incomplete while the object is not through.
func (a *audit) life(space, name string) (life, bool) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	found := a.lives[space][name]
	if found == nil {
		return life{}, false
	}
	return *found, !found.created.IsZero() && !found.job.IsZero() && !found.status.IsZero()
}

func (a *audit) through(space string, names []string) bool {
	for _, name := range names {
		if _, complete := a.life(space, name); !complete {
			return false
		}
	}
	return true
}

// What everybody but the driver has written in this namespace so far, by kind.
func (a *audit) written(space string) (count int, kinds map[string]int) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	kinds = map[string]int{}
	for kind, times := range a.writes[space] {
		kinds[kind] = times
		count += times
	}
	return count, kinds
}
