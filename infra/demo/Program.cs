using System.CommandLine;
using ControlPlane.FleetSimulator;
using ControlPlane.FleetSimulator.Faults;

namespace ControlPlane.Demo;

/// <summary>The program behind <c>make demo</c>.</summary>
internal static class Program
{
    private const int Interrupted = 130;

    // Each is a silo, a Redis and a broker.
    private const int OverlaysMax = 6;
    private const int SilosMax = 9;

    private static readonly DemoOptions Defaults = new();

    private static readonly Option<int> Nodes = new("--nodes")
    {
        Description = "How many nodes [500]",
        DefaultValueFactory = _ => Defaults.Nodes,
    };

    private static readonly Option<FleetProtocol> Protocol = new("--protocol")
    {
        Description = "What they speak: v1, v2 or both [v1]",
        DefaultValueFactory = _ => Defaults.Protocol,
    };

    private static readonly Option<string> Dead = new("--dead")
    {
        Description = "How many never answer: a number or a percentage [0]",
        DefaultValueFactory = _ => "0",
    };

    private static readonly Option<string> Forged = new("--forged")
    {
        Description = "How many show a forged token: a number or a percentage [0]",
        DefaultValueFactory = _ => "0",
    };

    private static readonly Option<bool> KillSilo = new("--kill-silo")
    {
        Description = "Kill a silo half-way (SIGKILL) and start it again; with one overlay",
    };

    private static readonly Option<bool> Access = new("--access")
    {
        Description = "Start an identity provider too, with a viewer, an operator and an approver, and let in only who signs in; with one "
            + "overlay. With --exit it is proven that the viewer is denied what the operator may",
    };

    private static readonly Option<bool> Exit = new("--exit")
    {
        Description = "End when the fleet is enrolled; exit code 0 only if all is as it should be",
    };

    private static readonly Option<int> Silos = new("--silos")
    {
        Description = "How many silos share the work of the one overlay, each a process: 1 to 9 [1]",
        DefaultValueFactory = _ => Defaults.Silos,
    };

    private static readonly Option<int> Overlays = new("--overlays")
    {
        Description = "How many overlays, each a cluster of its own: 1 to 6. With several, nodes of protocol v1 are placed by customer, and one "
            + "overlay is retired at the end; not with --silos or --kill-silo [1]",
        DefaultValueFactory = _ => Defaults.Overlays,
    };

    private static readonly Option<string?> Policy = new("--policy")
    {
        Description = "The placement policy to apply before the nodes come [infra/demo/policy.yaml with several overlays]",
        HelpName = "FILE",
    };

    private static readonly Option<int> ApiPort = new("--port")
    {
        Description = "Where the console is served [8780]",
        DefaultValueFactory = _ => Defaults.ApiPort,
    };

    public static Task<int> Main(string[] args)
    {
        var command = new RootCommand("A simulated fleet of Choria nodes that enrols through a real silo, real brokers and Redis")
        {
            Nodes, Protocol, Dead, Forged, KillSilo, Silos, Overlays, Policy, Access, Exit, ApiPort,
        };
        command.SetAction(RunAsync);
        return command.Parse(args).InvokeAsync();
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        try
        {
            var options = new DemoOptions
            {
                Nodes = parsed.GetValue(Nodes),
                Protocol = parsed.GetValue(Protocol),
                Dead = FaultShare.Parse(parsed.GetRequiredValue(Dead)),
                Forged = FaultShare.Parse(parsed.GetRequiredValue(Forged)),
                KillSilo = parsed.GetValue(KillSilo),
                Silos = parsed.GetValue(Silos),
                Overlays = parsed.GetValue(Overlays),
                Policy = parsed.GetValue(Policy),
                Access = parsed.GetValue(Access),
                Exit = parsed.GetValue(Exit),
                ApiPort = parsed.GetValue(ApiPort),
            };
            Check(options);

            return await new DemoRun(options, DemoDisplay.ForThisConsole(), TimeProvider.System).RunAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (Exception unusable) when (
            unusable is FormatException or ArgumentException or InvalidOperationException or TimeoutException or IOException)
        {
            await parsed.InvocationConfiguration.Error.WriteLineAsync($"demo: {unusable.Message}");
            return 1;
        }
    }

    private static void Check(DemoOptions options)
    {
        if (options.Overlays is < 1 or > OverlaysMax)
        {
            throw new ArgumentException($"--overlays is 1 to {OverlaysMax}, not {options.Overlays}");
        }

        if (options.Silos is < 1 or > SilosMax)
        {
            throw new ArgumentException($"--silos is 1 to {SilosMax}, not {options.Silos}");
        }

        if (options is { Overlays: > 1, Silos: > 1 } or { Overlays: > 1, KillSilo: true })
        {
            throw new ArgumentException("each of several overlays has one silo: --overlays goes with neither --silos nor --kill-silo");
        }

        if (options is { Overlays: > 1, Access: true })
        {
            throw new ArgumentException("--access is shown with one overlay");
        }

        if (options.Overlays > 1 && options.Protocol != FleetProtocol.V1)
        {
            throw new ArgumentException("several overlays need nodes of protocol v1");
        }
    }
}
