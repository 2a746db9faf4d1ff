using System.CommandLine;
using ControlPlane.FleetSimulator;

// The command handles signals itself: the library would end the process two seconds after one, in the midst of a long report.
return await FleetCommand.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
