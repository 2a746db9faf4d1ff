using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ControlPlane.Cluster.Tests.Access.Policies;

/// <summary>The commands about the access policy, on the policy that the operating guide shows.</summary>
public sealed class AccessCommandTests : IDisposable
{
    private static readonly string Guide = File.ReadAllText(Path.Combine(Repository.Root, "docs", "OPERATING.md"));

    private readonly string path = Path.GetTempFileName();

    public AccessCommandTests() => File.WriteAllText(path, OfTheGuide());

    public void Dispose() => File.Delete(path);

    [Fact]
    public async Task ThePolicyOfTheGuide_HasNoFaults_AndItsCasesPass()
    {
        Assert.Equal(ExitCodes.Done, (await RunAsync("access", "check", path)).ExitCode);
        var (exitCode, output) = await RunAsync("access", "test", path);

        Assert.Equal(ExitCodes.Done, exitCode);
        Assert.Matches("^([0-9]+) of \\1 cases pass\n$", output);
        Assert.DoesNotContain("0 of 0", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_PrintsEveryFault_WithItsPlace()
    {
        await File.WriteAllTextAsync(
            path,
            "apiVersion: access.controlplane/v1\nkind: AccessPolicy\nmode: maybe\nroles: { r: [{ permissions: [nodes.reed] }] }\n",
            TestContext.Current.CancellationToken);

        var (exitCode, output) = await RunAsync("access", "check", path);

        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.Contains($"{path}:3:7: 'mode' is enforce or dry-run\n", output, StringComparison.Ordinal);
        Assert.Contains($"{path}:4:30: there is no permission 'nodes.reed'; did you mean 'nodes.read'?\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_SaysThatThereIsNoFile()
    {
        var (exitCode, output) = await RunAsync("access", "check", "/nowhere/access.yaml");

        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.Contains("the policy file '/nowhere/access.yaml' cannot be read", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Test_NamesTheCaseThatDoesNotHold()
    {
        await File.AppendAllTextAsync(
            path, "  - { name: too good, as: nobody@example.net, may: nodes.decommission, expect: allow }\n", TestContext.Current.CancellationToken);

        var (exitCode, output) = await RunAsync("access", "test", path);

        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.Contains("too good: should be allowed and is denied: no role of theirs has it", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("placement.read", "allowed")]
    [InlineData("nodes.decommission", "denied")]
    public async Task Explain_AsksAFile_WithoutASilo(string permission, string decision)
    {
        var (exitCode, output) = await RunAsync("access", "explain", "--file", path, "--as", "nobody@example.net", "--may", permission);

        Assert.Equal(ExitCodes.Done, exitCode);
        Assert.Matches($"decision: +{decision}\n", output);
    }

    [Fact]
    public async Task Explain_AsksASilo()
    {
        await using var api = await ApiHost.StartAsync(("Access:Policy:File", path));

        // The guide's policy knows nobody who is local, and this silo demands no token.
        var (exitCode, _) = await RunAsync("access", "explain", "--url", api.Url.ToString(), "--as", "x", "--may", "nodes.read");

        Assert.Equal(ExitCodes.Refused, exitCode);
    }

    [Fact]
    public async Task Explain_And_Policy_AskASilo_ThatLetsThem()
    {
        await File.WriteAllTextAsync(
            path,
            OfTheGuide().Replace("grants:\n", "grants:\n  - { role: security, principals: [local] }\n", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        await using var api = await ApiHost.StartAsync(("Access:Policy:File", path));

        var (_, why) = await RunAsync("access", "explain", "--url", api.Url.ToString(), "--as", "x", "--may", "nodes.read");
        var (_, policy) = await RunAsync("access", "policy", "--url", api.Url.ToString());

        Assert.Matches("decision: +allowed\n", why);
        Assert.Contains("kind: AccessPolicy", policy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{Choria: {Enabled: true}}", "Access:Policy:File is needed by Access:Choria:Enabled:")]
    [InlineData("{Certificates: {CaFile: /nowhere}}", "Access:Policy:File is needed by Access:Certificates:CaFile:")]
    [InlineData("{Oidc: {Issuers: {corp: {Audiences: [a]}}}}", "Access:Policy:File is needed by Access:Oidc:Issuers:")]
    [InlineData("{Policy: {File: /nowhere}}", "Access:Policy:File the policy file '/nowhere' cannot be read")]
    public async Task ConfigCheck_DemandsAGoodPolicy_WhereSomebodyMaySignInWhoCouldDoNothingWithoutOne(string access, string fault)
    {
        await File.WriteAllTextAsync(path, $"Access: {access}\n", TestContext.Current.CancellationToken);
        var error = new StringWriter();

        Assert.Equal(ExitCodes.Configuration, await CommandLine.RunAsync(["config", "check", "--config", path], TextWriter.Null, error));
        Assert.Contains(fault, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_AreFaulty_WhereSomebodyNeedsAPolicy_AndThereIsNone()
    {
        var options = new AccessPolicyOptions();
        options.NeededBy.Add("Access:Oidc");

        var result = Validate(options);

        Assert.Contains("is needed by Access:Oidc", Assert.Single(result.Failures!), StringComparison.Ordinal);
        Assert.True(Validate(new AccessPolicyOptions()).Succeeded);
    }

    [Fact]
    public void Options_AreFaulty_WhereThePolicyIs_OrAsksSomebodyWhoIsNotConfigured()
    {
        File.WriteAllText(path, "external: { permissions: [nodes.read] }\n" + OfTheGuide());
        var asking = Validate(new AccessPolicyOptions { File = path });
        Assert.Contains("set Access:Opa:Url", Assert.Single(asking.Failures!), StringComparison.Ordinal);

        File.WriteAllText(path, "kind: AccessPolicy");
        var faulty = Validate(new AccessPolicyOptions { File = path });
        Assert.Contains("'apiVersion' is missing", Assert.Single(faulty.Failures!), StringComparison.Ordinal);
    }

    private static ValidateOptionsResult Validate(AccessPolicyOptions options)
    {
        using var services = new ServiceCollection().BuildServiceProvider();
        return new AccessPolicyOptionsValidator(services.GetRequiredService<IServiceProviderIsService>()).Validate(null, options);
    }

    private static string OfTheGuide()
    {
        var block = Guide.Split("```yaml\n").Single(text => text.StartsWith("# /etc/controlplane/access.yaml", StringComparison.Ordinal));
        return block[..block.IndexOf("```", StringComparison.Ordinal)];
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        var output = new StringWriter { NewLine = "\n" };
        var exitCode = await CommandLine.RunAsync(arguments, output, TextWriter.Null);
        return (exitCode, output.ToString());
    }
}
