using System.Text.Json;
using System.Text.Json.Serialization;
using NATS.Client.Core;

namespace ControlPlane.Adapters.Fleet.Access;

/// <summary>What the brokers of one network tell their operator of connections, and how one is ended.</summary>
internal sealed class BrokerMonitor(string network, NatsConnection connection)
{
    /// <summary>The events of all accounts: who has connected, and whose connection has ended.</summary>
    public const string Events = "$SYS.ACCOUNT.*.*";

    private const int PageSize = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly byte[] Nothing = [];

    public string Network => network;

    /// <summary>What an event says; null when it is of no node's connection.</summary>
    public (NodeSession Session, bool HasEnded)? Read(in NatsMsg<byte[]> message)
    {
        if (message.Data is not { Length: > 0 } data || Parse<Event>(data) is not { Server.Id: { } server, Client: { } client }
            || SessionOwner.ReadOrNull(client.User) is not { } owner)
        {
            return null;
        }

        var session = new NodeSession(network, server, client.Id, client.Host ?? "", owner);
        return message.Subject.EndsWith(".DISCONNECT", StringComparison.Ordinal) ? (session, true)
            : message.Subject.EndsWith(".CONNECT", StringComparison.Ordinal) ? (session, false)
            : null;
    }

    /// <summary>The brokers that are there.</summary>
    public async Task<IReadOnlySet<string>> ServersAsync(CancellationToken cancellationToken)
    {
        var servers = new HashSet<string>(StringComparer.Ordinal);
        var options = new NatsSubOpts { Timeout = Patience, IdleTimeout = Patience, StartUpTimeout = Patience };
        await foreach (var reply in connection.RequestManyAsync<byte[], byte[]>(
            "$SYS.REQ.SERVER.PING", Nothing, replyOpts: options, cancellationToken: cancellationToken))
        {
            if (Parse<Reply>(reply.Data)?.Server?.Id is { } id)
            {
                servers.Add(id);
            }
        }

        return servers;
    }

    /// <summary>All connections of nodes at one broker, a page at a time.</summary>
    /// <exception cref="TimeoutException">It did not tell them all.</exception>
    public async IAsyncEnumerable<NodeSession> SessionsAsync(
        string server, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var offset = 0; ; offset += PageSize)
        {
            var page = await ListAsync(server, new Question(Offset: offset, Limit: PageSize), cancellationToken)
                ?? throw new TimeoutException($"the broker {server} did not list its connections");
            foreach (var one in page.Connections)
            {
                if (SessionOwner.ReadOrNull(one.User) is { } owner)
                {
                    yield return new NodeSession(network, server, one.Id, one.Host ?? "", owner);
                }
            }

            if (page.Connections.Count < PageSize)
            {
                yield break;
            }
        }
    }

    /// <summary>Whether a connection is there still. One at a broker that does not answer is not.</summary>
    public async Task<bool> IsOpenAsync(NodeSession session, CancellationToken cancellationToken) =>
        await ListAsync(session.Server, new Question(Id: session.Id), cancellationToken) is { } answer
        && answer.Connections.Any(one => one.Id == session.Id && SessionOwner.ReadOrNull(one.User) == session.Owner);

    /// <summary>Ends a connection. Its agent tries again by itself. A broker that does not answer has none any more.</summary>
    public Task EndAsync(NodeSession session, CancellationToken cancellationToken) =>
        AskAsync(session.Server, "KICK", new Question(Id: session.Id), cancellationToken);

    private async Task<Page?> ListAsync(string server, Question question, CancellationToken cancellationToken) =>
        (await AskAsync(server, "CONNZ", question, cancellationToken))?.Page;

    private async Task<Reply?> AskAsync(string server, string what, Question question, CancellationToken cancellationToken)
    {
        // Over all of it: while the connection to the brokers is away, a question waits for it, and a log-in waits for the question.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            // Brokers do nothing for who wants no answer.
            var reply = await connection.RequestAsync<byte[], byte[]>(
                $"$SYS.REQ.SERVER.{server}.{what}",
                JsonSerializer.SerializeToUtf8Bytes(question),
                cancellationToken: patience.Token);
            return Parse<Reply>(reply.Data);
        }
        catch (Exception away) when (away is NatsNoReplyException or NatsNoRespondersException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static T? Parse<T>(byte[]? json)
        where T : class
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize<T>(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private sealed record Question(
        [property: JsonPropertyName("cid"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] ulong Id = 0,
        [property: JsonPropertyName("offset")] int Offset = 0,
        [property: JsonPropertyName("limit")] int Limit = 1)
    {
        [JsonPropertyName("auth")]
        public bool WithUsers { get; } = true;
    }

    private sealed record Server([property: JsonPropertyName("id")] string? Id);

    private sealed record Event(
        [property: JsonPropertyName("server")] Server? Server, [property: JsonPropertyName("client")] EventClient? Client);

    private sealed record EventClient(
        [property: JsonPropertyName("id")] ulong Id,
        [property: JsonPropertyName("user")] string? User,
        [property: JsonPropertyName("host")] string? Host);

    private sealed record Reply(
        [property: JsonPropertyName("server")] Server? Server, [property: JsonPropertyName("data")] Page? Page);

    private sealed record Page
    {
        [JsonPropertyName("connections")]
        public IReadOnlyList<Listed> Connections { get; init => field = value ?? []; } = [];
    }

    private sealed record Listed(
        [property: JsonPropertyName("cid")] ulong Id,
        [property: JsonPropertyName("authorized_user")] string? User,
        [property: JsonPropertyName("ip")] string? Host);
}
