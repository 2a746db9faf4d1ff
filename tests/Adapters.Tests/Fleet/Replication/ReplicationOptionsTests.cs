using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Replication;

namespace ControlPlane.Adapters.Tests.Fleet.Replication;

public sealed class ReplicationOptionsTests : IAsyncDisposable
{
    private readonly FleetParts parts = new(overlay: "nats://127.0.0.1:4222");

    public ValueTask DisposeAsync() => parts.DisposeAsync();

    [Fact]
    public void ALink_ToAnotherNetwork_NeedsNoMoreThanThat() => Assert.Empty(Faults(Link()));

    [Fact]
    public void EveryFault_IsReportedAtOnce_WithItsField()
    {
        var faults = Faults(new ReplicationOptions
        {
            Links =
            {
                ["Not a name"] = new ReplicationLinkOptions
                {
                    SourceStream = "a.b",
                    TargetStream = "*",
                    Subjects = ["a..b"],
                    SubjectPrefix = "a.>",
                    Start = "yesterday",
                    WindowMax = 0,
                    RetentionLeftMin = 2,
                    Target = new BrokerLoginOptions { User = "nobody" },
                },
                ["itself"] = new ReplicationLinkOptions { SourceStream = "A", SubjectPrefix = "" },
                ["first"] = Link().Links["good"],
                ["second"] = Link().Links["good"],
            },
        });

        string[] fields =
        [
            "Links:Not a name: is no name", "Links:Not a name:SourceStream", "Links:Not a name:TargetStream", "Links:Not a name:Subjects:0",
            "Links:Not a name:SubjectPrefix", "Links:Not a name:Start", "WindowMax", "RetentionLeftMin", "Links:Not a name:Target:Urls",
            "Links:Not a name:Target:PasswordFile", "Links:itself:TargetStream: the stream 'A' cannot be copied to itself",
            "Links:itself:CreateTarget", "the links first, second have the target 'COPY' in common",
        ];
        Assert.All(fields, field => Assert.Contains(faults, fault => fault.Contains(field, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task TheOwnSide_NeedsBrokersOfTheSite()
    {
        await using var without = new FleetParts();
        var faults = new ReplicationOptionsValidator(without.Fleet, without.Overlays).Validate(null, Link()).Failures ?? [];

        Assert.Contains(faults, fault => fault.Contains("Links:good:Source", StringComparison.Ordinal));
    }

    private static ReplicationOptions Link() => new()
    {
        Links =
        {
            ["good"] = new ReplicationLinkOptions
            {
                SourceStream = "A",
                TargetStream = "COPY",
                Target = new BrokerLoginOptions { Urls = ["nats://centre.example.net:4222"] },
            },
        },
    };

    private IReadOnlyList<string> Faults(ReplicationOptions options) =>
        [.. new ReplicationOptionsValidator(parts.Fleet, parts.Overlays).Validate(null, options).Failures ?? []];
}
