using System.CommandLine;
using ControlPlane.Access;
using ControlPlane.DeadLetters;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.Replication;

namespace ControlPlane.Commands;

/// <summary>The commands of <c>controlplane</c>.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, TextWriter? output = null, TextWriter? error = null)
    {
        var command = Root().Parse(args);
        var exitCode = await command.InvokeAsync(new InvocationConfiguration
        {
            Output = output ?? System.Console.Out,
            Error = error ?? System.Console.Error,

            // The host hears SIGTERM itself and takes longer to hand over than the two seconds that this would give it.
            ProcessTerminationTimeout = null,
            EnableDefaultExceptionHandler = false,
        });
        return command.Errors.Count > 0 ? ExitCodes.Usage : exitCode;
    }

    private static RootCommand Root()
    {
        var root = new RootCommand("Enrols and keeps a fleet of Choria nodes. Without a command it runs the silo.")
        {
            SiloCommand.Create(),
            ConfigCommand.Create(),
            SiteCommand.Create(),
            LoginCommands.Login(),
            LoginCommands.Logout(),
            LoginCommands.WhoAmI(),
            NodeCommands.Create(),
            OverlayCommands.Create(),
            DeadLetterCommands.Create(),
            PolicyCommands.Create(),
            PlacementCommands.Create(),
            PlanCommands.Create(),
            RpcCommand.Create(),
            JobCommands.Create(),
            ReplicationCommands.Create(),
            AccessCommands.Create(),
            ChoriaLoginCommand.Create(),
            AuditCommands.Create(),
        };
        SiloCommand.RunsBy(root);
        return root;
    }
}
