using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>
/// Speaks as much of NATS's protocol as one subscriber needs, and answers its pull requests with what the test says: for what servers say
/// that are newer than this machine's.
/// </summary>
internal sealed class FakeNatsServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly Func<int, IEnumerable<string>> answers;
    private readonly Task serving;

    /// <param name="answers">
    /// What each request, counted from 1, is answered with: a status such as <c>409 Batch Completed</c>, or for a message its number.
    /// </param>
    public FakeNatsServer(Func<int, IEnumerable<string>> answers)
    {
        this.answers = answers;
        listener.Start();
        serving = ServeAsync();
    }

    public string Url => $"nats://{listener.LocalEndpoint}";

    /// <summary>The pull requests that came.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Stop();
        await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        listener.Dispose();
        ending.Dispose();
    }

    private async Task ServeAsync()
    {
        using var client = await listener.AcceptTcpClientAsync(ending.Token);
        await using var stream = client.GetStream();
        using var lines = new StreamReader(stream, Encoding.ASCII);
        await SayAsync(stream, """INFO {"server_id":"FAKE","version":"2.10.7","headers":true,"max_payload":1048576}""" + "\r\n");
        var (inbox, subscription) = ("", "");
        while (await lines.ReadLineAsync(ending.Token) is { } line)
        {
            switch (line.Split(' '))
            {
                case ["PING"]:
                    await SayAsync(stream, "PONG\r\n");
                    break;
                case ["SUB", var subject, var id]:
                    (inbox, subscription) = (subject, id);
                    break;
                case ["PUB", _, _, _]:
                    Requests.Enqueue(await lines.ReadLineAsync(ending.Token) ?? "");
                    foreach (var answer in answers(Requests.Count))
                    {
                        await SayAsync(stream, Message(answer, inbox, subscription));
                    }

                    break;
            }
        }
    }

    private static string Message(string answer, string inbox, string subscription)
    {
        if (answer.All(char.IsAsciiDigit))
        {
            return $"MSG doors.{answer} {subscription} $JS.ACK.S.C.1.{answer}.{answer}.1700000000123456700.0 4\r\nopen\r\n";
        }

        var head = $"NATS/1.0 {answer}\r\nNats-Pending-Messages: 0\r\n\r\n";
        return $"HMSG {inbox} {subscription} {head.Length} {head.Length}\r\n{head}\r\n";
    }

    private async Task SayAsync(NetworkStream stream, string text) => await stream.WriteAsync(Encoding.ASCII.GetBytes(text), ending.Token);
}
