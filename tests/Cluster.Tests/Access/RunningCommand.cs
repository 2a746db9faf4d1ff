using System.Text;
using System.Text.RegularExpressions;
using ControlPlane.Commands;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>A command that talks to a person meanwhile.</summary>
internal sealed class RunningCommand : IDisposable
{
    private readonly StringBuilder said = new();
    private readonly TextWriter writer;
    private readonly Task<int> run;

    public RunningCommand(string[] args)
    {
        writer = TextWriter.Synchronized(new StringWriter(said));
        run = CommandLine.RunAsync(args, writer, writer);
    }

    private string Said
    {
        get
        {
            lock (writer)
            {
                return said.ToString();
            }
        }
    }

    /// <summary>Waits for a line, and gives what the group of the pattern matches.</summary>
    public async Task<string> SaysAsync(string pattern)
    {
        Match? found = null;
        await ControlPlane.TestKit.Readiness.UntilAsync(
            _ =>
            {
                Assert.False(run.IsCompleted, Said);
                found = Regex.Match(Said, pattern);
                return Task.FromResult(found.Success);
            },
            $"the command says {pattern}",
            TestContext.Current.CancellationToken);
        return found!.Groups[1].Value;
    }

    public async Task<(int Code, string Said)> EndAsync() => (await run, Said);

    public void Dispose() => writer.Dispose();
}
