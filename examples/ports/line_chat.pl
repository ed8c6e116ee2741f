#!/usr/bin/env perl
# A chat, line by line: the first line is a name, the others are for everybody else. /who, /nick NAME,
# /quit. Its twin is line_chat.rs.

use warnings;
use strict;

use Socket;
use POE qw(Wheel::SocketFactory Wheel::ReadWrite);

my $port = shift // 12345;
$| = 1;

POE::Session->create(
  inline_states => {
    _start            => \&start,
    got_client        => \&got_client,
    got_listen_error  => \&got_listen_error,
    got_line          => \&got_line,
    got_flush         => \&got_flush,
    got_client_error  => \&got_client_error,
    got_signal        => sub { },  # not handled: it ends the program
  },
);

POE::Kernel->run();
exit;

sub start {
  my ($kernel, $heap) = @_[KERNEL, HEAP];
  $kernel->sig($_ => "got_signal") for qw(INT TERM);
  $heap->{listener} = POE::Wheel::SocketFactory->new(
    BindAddress  => "127.0.0.1",
    BindPort     => $port,
    Reuse        => 1,
    SuccessEvent => "got_client",
    FailureEvent => "got_listen_error",
  );
  my ($bound, $address) = sockaddr_in($heap->{listener}->getsockname());
  print "listening on ", inet_ntoa($address), ":$bound\n" if $bound;
}

sub got_client {
  my ($heap, $socket) = @_[HEAP, ARG0];
  my $wheel = POE::Wheel::ReadWrite->new(
    Handle       => $socket,
    InputEvent   => "got_line",
    FlushedEvent => "got_flush",
    ErrorEvent   => "got_client_error",
  );
  $wheel->put("your name?");
  $heap->{clients}{$wheel->ID} = { wheel => $wheel, nick => undef, leaving => 0 };
}

sub got_listen_error {
  my ($heap, $operation, $errstr) = @_[HEAP, ARG0, ARG2];
  warn "$operation: $errstr\n";
  delete $heap->{listener};
}

sub got_line {
  my ($heap, $line, $id) = @_[HEAP, ARG0, ARG1];
  my $client = $heap->{clients}{$id};
  my ($wheel, $nick) = @$client{qw(wheel nick)};
  if (!defined $nick) {
    rename_client($heap, $id, $line) and broadcast($heap, $id, "* $line is here");
  }
  elsif ($line =~ m{^/nick (.*)}) {
    rename_client($heap, $id, $1) and broadcast($heap, $id, "* $nick is now $1");
  }
  elsif ($line eq "/who") {
    $wheel->put("* " . join(" ", sort map { $_->{nick} // () } values %{$heap->{clients}}));
  }
  elsif ($line eq "/quit") {
    $client->{leaving} = 1;
    $wheel->put("bye, $nick");
  }
  else {
    broadcast($heap, $id, "<$nick> $line");
  }
}

sub got_flush {
  my ($heap, $id) = @_[HEAP, ARG0];
  leave($heap, $id) if $heap->{clients}{$id}{leaving};
}

sub got_client_error {
  my ($heap, $id) = @_[HEAP, ARG3];
  leave($heap, $id);
}

sub rename_client {
  my ($heap, $id, $nick) = @_;
  my $client = $heap->{clients}{$id};
  if ($nick !~ /^\w{1,16}$/a or grep { ($_->{nick} // "") eq $nick } values %{$heap->{clients}}) {
    $client->{wheel}->put("no, another name");
    return;
  }
  $client->{wheel}->put("hello, $nick");
  $client->{nick} = $nick;
}

sub broadcast {
  my ($heap, $from, $line) = @_;
  while (my ($id, $client) = each %{$heap->{clients}}) {
    $client->{wheel}->put($line) if $id != $from and defined $client->{nick};
  }
}

sub leave {
  my ($heap, $id) = @_;
  my $client = delete $heap->{clients}{$id};
  broadcast($heap, $id, "* $client->{nick} is gone") if defined $client->{nick};
}
