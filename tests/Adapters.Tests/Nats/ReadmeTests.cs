using System.Reflection;
using System.Text.RegularExpressions;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Stage;
using Microsoft.Extensions.DependencyInjection;
using NATS.Client.Core;
using NATS.Client.JetStream;
using Orleans.TestingHost;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>What the package's README promises.</summary>
public sealed partial class ReadmeTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void EveryTest_ThatThePackagesReadmeNames_IsThere()
    {
        var readme = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "Adapters", "Nats", "README.md"));
        var facts = typeof(ReadmeTests).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods())
            .Where(method => method.GetCustomAttribute<FactAttribute>() is { Skip: null })
            .Select(method => method.Name)
            .ToHashSet(StringComparer.Ordinal);
        string[] named =
            [.. TestName().Matches(readme[readme.IndexOf("| Test |", StringComparison.Ordinal)..]).Select(match => match.Groups[1].Value)];

        Assert.True(named.Length >= 20);
        Assert.All(named, name => Assert.Contains(name, facts));
    }

    [Fact]
    public void EverySample_IsWhatIsCompiledAndRun()
    {
        var readme = File.ReadAllText(Path.Combine(RepositoryRoot.Path, "Adapters", "Nats", "README.md"));
        var compiled = Joined(File.ReadAllText(
            Path.Combine(RepositoryRoot.Path, "tests", "Adapters.Tests", "Nats", $"{nameof(ReadmeSample)}.cs")));
        string[] samples = [.. Sample().Matches(readme).Select(match => Joined(match.Groups[1].Value))];

        Assert.True(samples.Length >= 5);
        Assert.All(samples, sample => Assert.Contains(sample, compiled, StringComparison.Ordinal));

        static string Joined(string text) =>
            string.Join('\n', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Samples_DeliverForeignMessagesAndTypedEvents()
    {
        var porter = new Porter();
        await using var server = await NatsServer.StartAsync(new NatsServerSettings { JetStream = true }, Cancelled);
        var builder = new InProcessTestClusterBuilder(1);
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(porter);
            ReadmeSample.ConfigureSilo(silo, server.Url);
        });
        builder.ConfigureClient(client => ReadmeSample.ConfigureClient(client, server.Url));
        await using var cluster = builder.Build();
        await cluster.DeployAsync(Cancelled);

        await using var connection = StreamCluster.Connect(server.Url);
        const string opened = """{"door":"hall","open":true}""";
        await Readiness.UntilAsync(async token => await IsStoredAsync(connection, opened, token), "a publish", Cancelled);
        await ReadmeSample.PublishAsync(cluster.Client);

        await Readiness.UntilAsync(
            _ => Task.FromResult(porter.Heard.Count >= 2),
            "both",
            Cancelled,
            () => string.Join('\n', porter.Heard),
            TimeSpan.FromMinutes(1));
        Assert.Contains(new DoorEvent("hall", Open: true, 1), porter.Heard);
        Assert.Contains("any key: dots . stars * Ω: Ada", porter.Heard);
    }

    // The silo makes the stream, a moment after it has started.
    private static async Task<bool> IsStoredAsync(NatsConnection connection, string body, CancellationToken cancellationToken)
    {
        try
        {
            var options = new NatsJSPubOpts { MsgId = body };
            var stored = await new NatsJSContext(connection)
                .PublishAsync("doors.1", body, opts: options, cancellationToken: cancellationToken);
            return stored.Error is null;
        }
        catch (NatsException)
        {
            return false;
        }
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Sample();

    [GeneratedRegex("`([A-Z][A-Za-z]+_[A-Za-z_]+)`")]
    private static partial Regex TestName();
}
