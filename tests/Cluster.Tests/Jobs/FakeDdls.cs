using ControlPlane.Jobs;

namespace ControlPlane.Cluster.Tests.Jobs;

/// <summary>DDLs as a test says them.</summary>
internal sealed class FakeDdls : IAgentDdls
{
    public Dictionary<string, AgentDdl> Known { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Faults => [];

    public Task<AgentDdl?> FindAsync(string agent, CancellationToken cancellationToken) => Task.FromResult(Known.GetValueOrDefault(agent));

    /// <summary>The agent <c>package</c>, whose action shows failures and counts versions.</summary>
    public void AddPackage()
    {
        var inputs = new Dictionary<string, DdlInput>(StringComparer.Ordinal)
        {
            ["package"] = new("package", "The package", DdlType.Text, IsOptional: false, null) { LengthMax = 90, Validation = "shellsafe" },
        };
        var action = new DdlAction(
            "status", "Its status", DdlDisplay.Failed, inputs,
            [new DdlOutput("ensure", "The version", "Installed Version", DdlType.Text, null)],
            [new DdlAggregate("summary", "ensure", "")]);
        Known["package"] = new AgentDdl(
            "package", "Packages", "5.4.0", TimeSpan.FromSeconds(60), IsService: false,
            new Dictionary<string, DdlAction>(StringComparer.Ordinal) { ["status"] = action });
    }
}
