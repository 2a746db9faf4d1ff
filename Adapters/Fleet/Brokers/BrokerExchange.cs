using System.Globalization;
using System.Text;

namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>The talk after the greeting: what the broker says of itself is kept for the client library, which has to know it too.</summary>
internal sealed class BrokerExchange(Stream stream, BrokerLines lines, string greeting)
{
    private const string Refused = "-ERR ";
    private const string NoResponders = "HMSG ";
    private const string Message = "MSG ";

    private Task<string>? reading;
    private string latestGreeting = greeting;

    /// <summary>The body of the answer; null without one.</summary>
    public byte[]? Answer { get; private set; }

    /// <summary>What the client library is to read first.</summary>
    public ReadOnlyMemory<byte> Unread =>
        (byte[])[.. Encoding.UTF8.GetBytes($"{latestGreeting}\r\n"), .. lines.Rest.Span];

    private bool IsAnswered { get; set; }

    public async Task SayAsync(string text, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
            await stream.FlushAsync(cancellationToken);
        }
        catch (IOException lost)
        {
            throw new BrokerLoginException($"the broker ended the connection during the login: {lost.Message}", lost);
        }
    }

    public async Task UntilPongAsync(Action<string> refused, CancellationToken cancellationToken)
    {
        while (await HearAsync(refused, cancellationToken) != "PONG")
        {
        }
    }

    public async Task UntilAnswerAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            while (!IsAnswered)
            {
                await HearAsync(_ => { }, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The line that did not come yet is waited for by the next reading.
        }
    }

    private async Task<string> HearAsync(Action<string> refused, CancellationToken cancellationToken)
    {
        // A reading that was given up would leave half of a TLS record behind, so it goes on and its line is the next one's.
        reading ??= lines.ReadAsync(CancellationToken.None);
        var line = await reading.WaitAsync(cancellationToken);
        reading = null;
        if (BrokerGreeting.Is(line))
        {
            latestGreeting = line;
        }
        else if (line.StartsWith(Refused, StringComparison.OrdinalIgnoreCase))
        {
            refused(line[Refused.Length..].Trim('\''));
        }
        else if (line.Equals("PING", StringComparison.OrdinalIgnoreCase))
        {
            await SayAsync("PONG\r\n", cancellationToken);
        }
        else if (line.StartsWith(Message, StringComparison.OrdinalIgnoreCase))
        {
            Answer = await lines.ReadBodyAsync(LengthOf(line), cancellationToken);
            IsAnswered = true;
        }
        else if (line.StartsWith(NoResponders, StringComparison.OrdinalIgnoreCase))
        {
            await lines.ReadBodyAsync(LengthOf(line), cancellationToken);
            IsAnswered = true;
        }

        return line;
    }

    private static int LengthOf(string line) =>
        int.TryParse(line.AsSpan(line.LastIndexOf(' ') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) ? length : -1;
}
