using ControlPlane.Adapters.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Tests.Fleet;

public sealed class FleetOptionsTests : IAsyncDisposable
{
    private readonly FleetParts parts = new();
    private readonly OverlaysOptions overlays = new() { Local = FleetParts.Overlay, Members = { [FleetParts.Overlay] = new() } };

    public ValueTask DisposeAsync() => parts.DisposeAsync();

    [Fact]
    public void Validate_PassesWhatASiloRunsWith() => Assert.Empty(Faults(parts.Options));

    [Fact]
    public void Validate_ReportsEveryFaultAtOnce_EachWithItsField()
    {
        var options = new FleetOptions
        {
            SharedSecretFile = "/nowhere/secret",
            ProbeTimeout = TimeSpan.Zero,
            Provisioning = new NetworkOptions { Urls = ["broker:4222"], User = "provisioner", Connections = 9 },
            Overlays = { ["london"] = new NetworkOptions { TokenFile = "/nowhere/token" } },
            Protocols = [NodeProtocol.Unknown],
            CallerProof = new CallerProofOptions { CertificateFile = "/nowhere/cert.pem" },
        };

        var faults = Faults(options);

        string[] fields =
        [
            "SharedSecretFile", "ProbeTimeout", "Provisioning:Urls", "Provisioning:PasswordFile", "Connections", "Overlays:london:Urls",
            "Overlays:london:SeedFile", "Overlays:london:TokenFile", "Protocols", "CallerProof:KeyFile", "ProvisioningTokenSignerFiles",
        ];
        Assert.All(fields, field => Assert.Contains(faults, fault => fault.Contains(field, StringComparison.Ordinal)));
    }

    [Fact]
    public void Validate_RefusesMoreConnectionsThanASiloMayHave()
    {
        foreach (var overlay in (string[])["a", "b"])
        {
            overlays.Members[overlay] = new OverlayOptions { ServedBy = FleetParts.Overlay };
            parts.Options.Overlays[overlay] = new NetworkOptions { Urls = ["nats://127.0.0.1:1"], Connections = 4 };
        }

        Assert.Contains("8", Assert.Single(Faults(parts.Options)), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_RefusesMoreLinksThanASiloMayHave()
    {
        for (var site = 0; site <= FleetOptions.LinksMax; site++)
        {
            Assert.Empty(Faults(parts.Options));
            parts.Options.Overlays[$"site-{site}"] = new NetworkOptions { Urls = ["nats://127.0.0.1:1"] };
        }

        Assert.Contains("64", Assert.Single(Faults(parts.Options)), StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_AllowsNoProvisioningNetwork_OnlyWhereAnotherSiteCanTakeUpNodes()
    {
        parts.Options.Provisioning = null;
        Assert.StartsWith("Property Provisioning: ", Assert.Single(Faults(parts.Options)), StringComparison.Ordinal);

        overlays.Members["paris"] = new OverlayOptions { ServedBy = FleetParts.Overlay };
        Assert.Single(Faults(parts.Options));

        overlays.Members["paris"].ServedBy = null;
        Assert.Empty(Faults(parts.Options));
    }

    private IReadOnlyList<string> Faults(FleetOptions options)
    {
        var provisioning = options == parts.Options ? parts.Provisioning : Options.Create(new ProvisioningOptions());
        return [.. new FleetOptionsValidator(provisioning, Options.Create(overlays)).Validate(null, options).Failures ?? []];
    }
}
