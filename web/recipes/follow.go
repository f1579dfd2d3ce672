// Follows a channel, and resumes where it was after an interruption: one line for each event. Standard library only.
//
//	go run follow.go http://localhost:8080 orders.alice.17 [cursor]
package main

import (
	"bufio"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

var (
	cursor string
	wait   = 2 * time.Second
	errEnd = errors.New("nothing more will come")
)

func main() {
	address := os.Args[1] + "/events?data=raw&channel=" + url.QueryEscape(os.Args[2])
	if len(os.Args) > 3 {
		cursor = os.Args[3]
	}
	for {
		if err := follow(address); errors.Is(err, errEnd) {
			log.Fatal(err)
		}
		time.Sleep(wait)
	}
}

func follow(address string) error {
	request, err := http.NewRequest("GET", address, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "text/event-stream")
	if cursor != "" {
		request.Header.Set("Last-Event-ID", cursor)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if code := response.StatusCode; code == 204 || code >= 400 && code < 500 {
		return fmt.Errorf("%w: %s", errEnd, response.Status)
	}
	return read(bufio.NewReader(response.Body))
}

func read(lines *bufio.Reader) error {
	event, id := "message", cursor
	var data []string
	for {
		// A Scanner has a limit for lines; a Reader has none.
		line, err := lines.ReadString('\n')
		if err != nil {
			// What was cut off is not an event, and its id does not count.
			return err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			event = value
		case "data":
			data = append(data, value)
		case "id":
			id = value
		case "retry":
			if ms, err := strconv.Atoi(value); err == nil {
				wait = time.Duration(ms) * time.Millisecond
			}
		case "":
			if line == "\n" {
				show(event, strings.Join(data, " "))
				cursor, event, data = id, "message", nil
			}
		}
	}
}

func show(event, data string) {
	switch event {
	case "ready", "heartbeat", "closing", "auth-expiring":
	case "gap":
		fmt.Println("gap: load your state again")
	default:
		fmt.Println(event, data)
	}
}
