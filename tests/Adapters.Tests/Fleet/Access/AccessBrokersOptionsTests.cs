using ControlPlane.Adapters.Fleet;
using ControlPlane.Adapters.Fleet.Access;
using NATS.NKeys;

namespace ControlPlane.Adapters.Tests.Fleet.Access;

public sealed class AccessBrokersOptionsTests : IAsyncDisposable
{
    private readonly FleetParts parts = new();

    public ValueTask DisposeAsync() => parts.DisposeAsync();

    [Fact]
    public void WithoutBrokers_NothingIsNeeded() => Assert.Empty(Faults(new AccessBrokersOptions()));

    [Fact]
    public void EveryFault_IsReportedAtOnce_WithItsField()
    {
        using var user = KeyPair.CreatePair(PrefixByte.User);
        var faults = Faults(new AccessBrokersOptions
        {
            Networks = { ["eu-1"] = new BrokerLoginOptions { User = "access" } },
            IssuerSeedFile = parts.Write("user.nk", user.GetSeed()),
            XKeySeedFile = "/nowhere/xkey",
            SystemUser = "operator",
            DecisionsMax = 0,
            DecisionTimeout = TimeSpan.FromMinutes(5),
        });

        string[] fields =
        [
            "Networks:eu-1:Urls", "Networks:eu-1:PasswordFile", "IssuerSeedFile: names a file that holds no such seed", "XKeySeedFile",
            "SystemPasswordFile", "DecisionsMax", "DecisionTimeout",
        ];
        Assert.All(fields, field => Assert.Contains(faults, fault => fault.Contains(field, StringComparison.Ordinal)));
        Assert.DoesNotContain(faults, fault => fault.Contains(user.GetSeed(), StringComparison.Ordinal));
    }

    private static IReadOnlyList<string> Faults(AccessBrokersOptions options) =>
        [.. new AccessBrokersOptionsValidator().Validate(null, options).Failures ?? []];
}
